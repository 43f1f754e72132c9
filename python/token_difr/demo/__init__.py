"""The demo: honest and dishonest providers of the tiny model that ships with the package, and their audits."""
