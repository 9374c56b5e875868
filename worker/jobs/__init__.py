"""Jobs: started, paused, resumed, cancelled and retried."""
