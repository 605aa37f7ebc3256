// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.ProblemId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What went wrong in a task, on its way to the driver: problems are no serializable objects. */
final class TaskFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Name, cause and remedy of the kind, and message, of each problem. */
    private final ArrayList<String[]> problems = new ArrayList<>();

    private TaskFailure(BackpackException failure) {
        super(failure.getMessage(), failure);
        for (Problem problem : failure.problems()) {
            ProblemId id = problem.id();
            problems.add(new String[] {id.name(), id.cause(), id.remedy(), problem.message()});
        }
    }

    /** Runs a part of a task. */
    static <R> R carried(Supplier<R> action) {
        try {
            return action.get();
        } catch (BackpackException e) {
            throw new TaskFailure(e);
        }
    }

    /** Runs jobs; what went wrong in a task is thrown as the task threw it. */
    static <R> R unwrapped(Supplier<R> jobs) {
        try {
            return jobs.get();
        } catch (Exception e) {
            throw e instanceof BackpackException known ? known : translated(e);
        }
    }

    private static RuntimeException translated(Exception failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TaskFailure found) {
                List<Problem> problems = found.problems.stream()
                        .map(part -> new Problem(new ProblemId(part[0], part[1], part[2]), part[3]))
                        .toList();
                BackpackException translated = new BackpackException(problems);
                translated.addSuppressed(failure);
                return translated;
            }
        }
        // Spark throws checked exceptions without saying so.
        return TaskFailure.<RuntimeException>sneaky(failure);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Exception> E sneaky(Exception failure) throws E {
        throw (E) failure;
    }
}
