"""InterVench and InterVenchA: how well sparse coders extract, translate and agree, by interventions and probes."""
