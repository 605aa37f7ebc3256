// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.Safetensors;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network, a batch and what PyTorch and BackPACK find for them, evaluated within memory budgets.
 *
 * @param folder has model.json, data.safetensors and expected.safetensors
 * @param out where results go
 */
record BudgetFault(Path folder, Path out) {

    private static final Pattern SMALLEST = Pattern.compile(
            "\\[MemoryBudget\\] The pass does not fit into [0-9]+ bytes\\. The smallest budget that would do is ([0-9]+) bytes, ");

    static BudgetFault of(String name, Path directory) {
        try {
            return new BudgetFault(
                    Path.of(Objects.requireNonNull(BudgetFault.class.getResource("/faults/" + name))
                            .toURI()),
                    directory.resolve("results.safetensors"));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Run evaluate(String extensions, long budget) {
        return Run.of(
                "evaluate",
                "--model",
                folder.resolve("model.json").toString(),
                "--data",
                folder.resolve("data.safetensors").toString(),
                "--extensions",
                extensions,
                "--memory",
                Long.toString(budget),
                "--out",
                out.toString());
    }

    /** Evaluates within a budget and checks the results; if it is refused, returns the budget that would do. */
    Optional<Long> refusal(String extensions, long budget) {
        Run run = evaluate(extensions, budget);
        if (run.code() == 0) {
            requireExpected(extensions, budget);
            return Optional.empty();
        }
        Matcher matcher = SMALLEST.matcher(run.err());
        assertThat(matcher.find())
                .as("%s within %d bytes: %s", extensions, budget, run.err())
                .isTrue();
        return Optional.of(Long.parseLong(matcher.group(1)));
    }

    /** What is refused names a budget that does, and one byte less is refused with the same. Returns it. */
    long requireSmallest(String extensions) {
        long smallest = refusal(extensions, 1).orElseThrow();
        assertThat(refusal(extensions, smallest)).as(extensions).isEmpty();
        assertThat(refusal(extensions, smallest - 1)).as(extensions).hasValue(smallest);
        assertThat(refusal(extensions, smallest + 1)).as(extensions).isEmpty();
        return smallest;
    }

    private void requireExpected(String extensions, long budget) {
        try (Safetensors expected = Safetensors.open(folder.resolve("expected.safetensors"));
                Safetensors actual = Safetensors.open(out)) {
            expected.tensors().keySet().stream()
                    .filter(name -> !name.contains("/kflr") || extensions.contains("KFLR"))
                    .forEach(name -> assertThat(actual.readDoubles(name))
                            .as("%s of %s within %d bytes", name, extensions, budget)
                            .containsExactly(expected.readDoubles(name), within(1e-10)));
        }
    }
}
