"""What an operator sees and what keeps the process in order: doctor, health, metrics, the HTTP port."""
