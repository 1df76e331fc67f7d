"""Readers' consent: who asked for digests, when and how, and their way out."""
