# Build the variants that the other steps run.
variants=(release asan)
[ -z "${QUERN_ALL:-}" ] || variants+=(clang tsan)
for variant in "${variants[@]}"; do
    if scripts/build.sh "$variant"; then
        echo "PASS build $variant"
    else
        echo "FAIL build $variant"
    fi
done
