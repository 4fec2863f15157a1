"""What we conclude: proofs, the ledger of claims, reports and the command line."""
