"""The Model page: the network as a file to take along."""
