"""Several instances over one PostgreSQL: who acts for which PBX, and how requests get there."""
