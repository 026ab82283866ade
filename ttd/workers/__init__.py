"""Scans of recordings elsewhere: in processes of this computer, or by an executor that is given."""
