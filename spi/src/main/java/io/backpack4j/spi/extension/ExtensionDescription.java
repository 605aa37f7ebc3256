// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import java.util.ArrayList;
import java.util.List;

/**
 * What an extension computes and which options it takes, in words and formulas, for lists and documents. Immutable.
 *
 * <pre>{@code
 * ExtensionDescription.of("grad_batch", "[N, *p]", "g_n", "c")
 *         .option("subsampling", "all", "positions in the batch")
 *         .source("F. Dangel, F. Kunstner, P. Hennig (2020)")
 * }</pre>
 *
 * @param results what stands in the results, at least one
 * @param options its own options, beside {@code as} and {@code parameters}, which all extensions take
 * @param source where the definition comes from; empty if it needs none
 */
public record ExtensionDescription(List<Result> results, List<Option> options, String source) {

    /**
     * A result.
     *
     * @param name as it is called unless {@code as} says otherwise: {@code <p>/grad_batch}, or
     *     {@code *}{@code /ggn_evals/0} for one of the network, of the first group if there are several
     * @param shape with {@code N} samples, {@code C} outputs of a sample, {@code V} columns, {@code *p} as the
     *     parameter
     * @param formula the value
     * @param scaling by which power of the loss's factor c it is multiplied, such as {@code c²}; empty if by none
     */
    public record Result(String name, String shape, String formula, String scaling) {}

    /**
     * An option.
     *
     * @param name as users write it
     * @param otherwise what counts if it is not given
     * @param meaning what it is
     */
    public record Option(String name, String otherwise, String meaning) {}

    public ExtensionDescription {
        results = List.copyOf(results);
        options = List.copyOf(options);
    }

    /** Describes an extension with one result and no options. */
    public static ExtensionDescription of(String name, String shape, String formula, String scaling) {
        return new ExtensionDescription(List.of(new Result(name, shape, formula, scaling)), List.of(), "");
    }

    /** With one more result. */
    public ExtensionDescription result(String name, String shape, String formula, String scaling) {
        List<Result> more = new ArrayList<>(results);
        more.add(new Result(name, shape, formula, scaling));
        return new ExtensionDescription(more, options, source);
    }

    /** With one more option. */
    public ExtensionDescription option(String name, String otherwise, String meaning) {
        return options(List.of(new Option(name, otherwise, meaning)));
    }

    /** With more options, such as several extensions have in common. */
    public ExtensionDescription options(List<Option> others) {
        List<Option> more = new ArrayList<>(options);
        more.addAll(others);
        return new ExtensionDescription(results, more, source);
    }

    /** With the source of its definition. */
    public ExtensionDescription source(String citation) {
        return new ExtensionDescription(results, options, citation);
    }
}
