"""The one door that all mail leaves by; knows no subscriber."""
