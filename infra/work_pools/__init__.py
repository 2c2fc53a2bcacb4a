"""Work pools of Prefect, from which workers take flow runs: a workstation's, and one whose runs are batch jobs."""
