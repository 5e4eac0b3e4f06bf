"""What may be said: every sentence that concludes something, with the condition under which it is true."""
