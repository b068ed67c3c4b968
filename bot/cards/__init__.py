"""What users see: ledger rows in, Discord components out. No I/O, no decisions about orders."""
