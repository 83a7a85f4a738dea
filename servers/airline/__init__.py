"""Airline: an airline's reservations desk, from the search for a flight to the boarding gate."""
