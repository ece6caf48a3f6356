"""Encoders, decoders and likelihoods. Importing the package loads no torch; its modules do, except `config`."""
