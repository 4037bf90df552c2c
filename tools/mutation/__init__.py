"""Mutation testing of the core: small faults are put in one by one, and the tests must find them.

`make mutants` runs it. mutmut makes the faults, `config.yaml` says where and which tests should
find them, `survivors.yaml` keeps the results and the reasons written by hand, and `docs/testing.md`
shows both.
"""
