// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.Problems;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of PyTorch's modules and losses that providers need not know: values that change no number are taken,
 * others are refused with what they would do. A provider that asks for such an argument decides alone. Null counts as
 * not given everywhere.
 */
final class NeutralArguments {

    /** Arguments of extensions, which are not PyTorch's. */
    static final NeutralArguments NONE = new NeutralArguments();

    static final NeutralArguments OF_MODULES = new NeutralArguments(
            // Where it would change what other nodes read, InPlaceNodes refuses it.
            new Rule("inplace", value -> value instanceof Boolean, "true or false"),
            new Rule(
                    "return_indices",
                    Boolean.FALSE::equals,
                    "false, because a node has one output, and the places of the maxima are not given out. Leave it out"),
            new Rule(
                    "device",
                    value -> value instanceof String || value instanceof Number,
                    "a word, a number or null, and has no effect, because the backend decides where numbers lie"),
            new Rule(
                    "dtype",
                    value -> false,
                    "null, because all numbers of a network have one type, and no module has another. Leave it out, and choose the type where the model is made (--dtype)"));

    static final NeutralArguments OF_LOSSES =
            new NeutralArguments(Rule.ofReduction("size_average"), Rule.ofReduction("reduce"));

    private final Map<String, Rule> rules;

    private NeutralArguments(Rule... rules) {
        this.rules = List.of(rules).stream().collect(Collectors.toUnmodifiableMap(Rule::name, Function.identity()));
    }

    /** Takes those arguments that nobody has asked for, and reports values that would change numbers. */
    void take(Arguments arguments, Map<String, ? extends @Nullable Object> given, Problems problems) {
        for (String name : arguments.unasked()) {
            Rule rule = rules.get(name);
            if (rule != null) {
                Object value = arguments.value(name);
                if (value != null && !rule.neutral().changesNothing(value, given)) {
                    problems.collect(() -> {
                        throw arguments.wrong(name, rule.expected(), value);
                    });
                }
            }
        }
    }

    /** Whether a value changes no number, given all arguments. */
    @FunctionalInterface
    private interface Neutral {
        boolean changesNothing(Object value, Map<String, ? extends @Nullable Object> given);
    }

    /**
     * Rule for the values of one argument.
     *
     * @param expected what else is refused with, after "must be"
     */
    private record Rule(String name, Neutral neutral, String expected) {

        Rule(String name, java.util.function.Predicate<Object> neutral, String expected) {
            this(name, (value, given) -> neutral.test(value), expected);
        }

        /** PyTorch's older names of the reduction, which overrule it: taken where they say the same. */
        static Rule ofReduction(String name) {
            return new Rule(
                    name,
                    (value, given) ->
                            value instanceof Boolean && olderReduction(given).equals(reduction(given)),
                    "null, or say the same as the reduction, which PyTorch would replace: size_average = true is mean, false is sum, reduce = false is none. Leave it out, and say it with the reduction");
        }

        private static String reduction(Map<String, ? extends @Nullable Object> given) {
            Object reduction = given.get("reduction");
            return reduction == null ? "mean" : reduction.toString();
        }

        private static String olderReduction(Map<String, ? extends @Nullable Object> given) {
            if (Boolean.FALSE.equals(given.get("reduce"))) {
                return "none";
            }
            return Boolean.FALSE.equals(given.get("size_average")) ? "sum" : "mean";
        }
    }
}
