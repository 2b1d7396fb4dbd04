"""The version, in one place: the build, the C header and the package read it here."""

__version__ = "0.1.0"
