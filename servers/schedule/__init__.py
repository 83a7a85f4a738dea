"""Schedule: the calendars of a company and its people, with series, rooms, invitations and delegates."""
