// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerProvider;
import io.backpack4j.training.ParameterGroup;
import io.backpack4j.training.Schedule;
import io.backpack4j.training.ScheduleProvider;
import io.backpack4j.training.schedule.SequentialLR;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Optimisers and schedules as command lines write them. */
public final class TrainingExpressions {

    private static final String CHAIN = "SequentialLR";

    private TrainingExpressions() {}

    /**
     * Makes an optimiser of words such as {@code Adam(lr=1e-3)}.
     *
     * @throws BackpackException if there is none of that name, or it has no such options
     */
    public static Optimizer optimizer(Catalog catalog, String text) {
        List<ExtensionExpression> expressions = ExtensionExpressions.parse(text);
        if (expressions.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "'%s' names %d optimisers, but one is needed.".formatted(text, expressions.size()));
        }
        ExtensionExpression expression = expressions.get(0);
        Arguments arguments = new Arguments("optimizer " + expression.type(), expression.options());
        Optimizer optimizer =
                catalog.service(OptimizerProvider.class, expression.type()).create(arguments, catalog);
        arguments.rejectUnknown();
        return optimizer;
    }

    /** An optimiser in the words of {@link #optimizer}, with all its options. */
    static String text(Optimizer optimizer) {
        Map<String, Object> options = new LinkedHashMap<>();
        optimizer.arguments().forEach((name, value) -> {
            if (value != null) {
                options.put(name, value);
            }
        });
        return new ExtensionExpression(optimizer.type(), options).toString();
    }

    /**
     * Makes a group of words such as {@code parameters=[*.bias],weight_decay=0}; {@code lr} and {@code frozen=true} are
     * the others.
     *
     * @throws BackpackException if it names no parameters, or has other options
     */
    public static ParameterGroup group(String text) {
        ExtensionExpression expression =
                ExtensionExpressions.parse("group(" + text + ")").get(0);
        Arguments arguments = new Arguments("parameter group", expression.options());
        Object named = arguments.value("parameters");
        List<?> patterns = named instanceof List<?> list ? list : named == null ? List.of() : List.of(named);
        if (patterns.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The group '%s' names no parameters. Write it like parameters=[*.bias],weight_decay=0."
                            .formatted(text));
        }
        ParameterGroup group =
                ParameterGroup.of(patterns.stream().map(String::valueOf).toArray(String[]::new));
        if (arguments.has("lr")) {
            group = group.learningRate(arguments.number("lr"));
        }
        if (arguments.has("weight_decay")) {
            group = group.weightDecay(arguments.number("weight_decay"));
        }
        if (arguments.flag("frozen", false)) {
            group = group.freeze();
        }
        arguments.rejectUnknown();
        return group;
    }

    /**
     * Makes a schedule of words such as {@code StepLR(step_size=10)}. A chain is a list that ends in {@code
     * SequentialLR(milestones=[10])}.
     *
     * @throws BackpackException if there is none of that name, or it has no such options
     */
    public static Schedule schedule(Catalog catalog, String text) {
        List<ExtensionExpression> expressions = ExtensionExpressions.parse(text);
        ExtensionExpression last = expressions.get(expressions.size() - 1);
        boolean chained = last.type().equals(CHAIN);
        List<Schedule> schedules = new ArrayList<>();
        for (ExtensionExpression expression : chained ? expressions.subList(0, expressions.size() - 1) : expressions) {
            Arguments arguments = new Arguments("schedule " + expression.type(), expression.options());
            schedules.add(
                    catalog.service(ScheduleProvider.class, expression.type()).create(arguments));
            arguments.rejectUnknown();
        }
        if (chained) {
            Arguments arguments = new Arguments("schedule " + CHAIN, last.options());
            Schedule chain = new SequentialLR(schedules, arguments.integers("milestones"));
            arguments.rejectUnknown();
            return chain;
        }
        if (schedules.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "'%s' names %d schedules. Say when each begins: end the list with %s(milestones=[10])."
                            .formatted(text, schedules.size(), CHAIN));
        }
        return schedules.get(0);
    }
}
