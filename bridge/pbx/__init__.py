"""All that talks to Asterisk: the AMI link, the ARI client, the provisioning of phones.

No other package contains an AMI word or imports panoramisk; nothing inside knows the routes of our
own HTTP API.
"""
