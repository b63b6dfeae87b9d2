"""Ray: started here, joined, or given a job."""
