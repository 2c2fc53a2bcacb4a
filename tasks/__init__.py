"""What one partition of images goes through: a folder per stage, pure functions of arrays and a frozen config."""
