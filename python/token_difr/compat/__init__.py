"""The functions of token-difr 0.1, as thin faces over the stages: old scripts run on, new work uses the stages."""
