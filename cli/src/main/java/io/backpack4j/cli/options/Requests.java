// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.Problems;
import java.util.ArrayList;
import java.util.List;

/** Makes requests of what a command line says. */
public final class Requests {

    private Requests() {}

    /**
     * Makes the requests of a list such as {@code KFAC(mc_samples=10),Variance}. All problems are reported together.
     *
     * @param patterns of parameters, for the extensions that have none of their own; empty means all parameters
     */
    public static List<Request<?>> of(Catalog catalog, List<ExtensionExpression> expressions, List<String> patterns) {
        List<Request<?>> requests = new ArrayList<>();
        Problems problems = new Problems();
        for (ExtensionExpression expression : expressions) {
            problems.collect(() -> {
                Request<?> request = catalog.request(expression.type(), expression.options());
                boolean restricted = patterns.isEmpty() || expression.options().containsKey("parameters");
                requests.add(restricted ? request : request.only(patterns.toArray(String[]::new)));
            });
        }
        problems.throwIfAny();
        return requests;
    }

    /** Reads a list of extensions; a blank one is empty. */
    public static List<ExtensionExpression> parse(String text) {
        return text.isBlank() ? List.of() : ExtensionExpressions.parse(text);
    }
}
