// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Every failure that this library reports on purpose. It carries one or more problems; several are numbered in the
 * message.
 */
public class BackpackException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient List<Problem> problems;

    public BackpackException(ProblemId id, String message) {
        this(List.of(new Problem(id, message)), null);
    }

    public BackpackException(ProblemId id, String message, @Nullable Throwable cause) {
        this(List.of(new Problem(id, message)), cause);
    }

    public BackpackException(List<Problem> problems) {
        this(problems, null);
    }

    private BackpackException(List<Problem> problems, @Nullable Throwable cause) {
        super(render(problems), cause);
        this.problems = List.copyOf(problems);
    }

    /** All problems, at least one. */
    public List<Problem> problems() {
        return problems;
    }

    private static String render(List<Problem> problems) {
        if (problems.size() == 1) {
            return problems.get(0).toString();
        }
        return IntStream.range(0, problems.size())
                .mapToObj(i -> (i + 1) + ") " + problems.get(i))
                .collect(Collectors.joining("\n", "", "\n" + problems.size() + " problems."));
    }
}
