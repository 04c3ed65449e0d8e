# Generated documents say what the tables say.
[ -x build/docs/gen_docs ] || { echo "SKIP docs (no build/docs/gen_docs)"; exit 0; }
scripts/gen-docs --check
