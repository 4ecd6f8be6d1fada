"""A PostgreSQL cluster of three nodes, with Patroni and etcd, each in a network of its own."""
