"""Builds the project's images by their Dockerfiles: `python -m containers.build [NAME...] [--load]`.

With docker where an engine answers, else with buildah, which needs neither an engine nor a registry. What an image is
made of besides Debian's packages is put into its build context here: a package index is not reached from within a
build, where the machine's certificates and proxies are unknown.
"""
