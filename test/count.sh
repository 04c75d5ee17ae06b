# Sourced: each reads the output of a test runner from a file, and prints how many tests passed and
# how many failed. One that was skipped or ignored has failed.

cargo_tests() {
    awk '/^test result: / { good += $4; bad += $6 + $8 } END { print good + 0, bad + 0 }' "$1"
}

common_test() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
        /^All [0-9]+ tests passed/ { good += $2 }
        /^(Failed|Skipped|Passed) [0-9]+/ {
            for (i = 1; i < NF; i++) {
                if ($i == "Passed") good += $(i + 1)
                if ($i == "Failed" || $i == "Skipped") bad += $(i + 1)
            }
        }
        END { print good + 0, bad + 0 }'
}

# A script of our own, whose last line is "N passed".
script() {
    sed -n '$s/^\([0-9]*\) passed$/\1 0/p' "$1" | grep . || echo "0 0"
}
