"""The case groups of the Autobahn Testsuite as tests of our own, in memory."""
