# What must hold for the source tree and the library: include arrows, headers that compile alone, system
# calls only in src/os, exports.
python3 scripts/check-includes.py build
