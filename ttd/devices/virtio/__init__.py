"""Virtio devices: "Virtual I/O Device (VIRTIO) Version 1.2", OASIS; sections are of that text."""
