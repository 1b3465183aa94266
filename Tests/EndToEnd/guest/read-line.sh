#!/bin/sh
# Reads a line from the console and prints it.
echo "guest: waiting"
read -r line
echo "guest: read $line"
