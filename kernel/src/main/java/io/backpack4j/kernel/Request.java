// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import java.util.List;
import java.util.regex.Pattern;

/**
 * An extension asked for.
 *
 * @param extension the extension
 * @param name the name of its results
 * @param parameters patterns of parameters it is for, {@code *} standing for anything, such as {@code 0.*}; each must
 *     match a trained parameter
 * @param <R> the extension's result
 */
public record Request<R>(Extension<R> extension, String name, List<String> parameters) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");

    public Request {
        parameters = List.copyOf(parameters);
        if (!NAME.matcher(name).matches()) {
            throw new BackpackException(
                    KernelProblems.INVALID_NAME,
                    "'%s' is not a name for results. Use letters, digits, '_', '.' and '-'.".formatted(name));
        }
    }

    /** An extension for all parameters, under its own name. */
    public static <R> Request<R> of(Extension<R> extension) {
        return new Request<>(extension, extension.resultName(), List.of("*"));
    }

    /** The same request under another name. */
    public Request<R> as(String otherName) {
        return new Request<>(extension, otherName, parameters);
    }

    /** The same request for some parameters only. */
    public Request<R> only(String... patterns) {
        return new Request<>(extension, name, List.of(patterns));
    }

    /** Whether a parameter is wanted. */
    public boolean wants(String parameter) {
        return parameters.stream().anyMatch(pattern -> Patterns.matches(pattern, parameter));
    }
}
