"""Every metric of the service, declared in one place and kept by the parts that know its value."""
