"""The run form: the parameters of the flow as Prefect's UI shows them, and its API takes them."""
