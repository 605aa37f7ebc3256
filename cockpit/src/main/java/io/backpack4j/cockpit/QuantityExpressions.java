// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.NodeQuantity;
import io.backpack4j.cockpit.quantity.Per;
import io.backpack4j.cockpit.quantity.Quantity;
import io.backpack4j.cockpit.quantity.QuantityProvider;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads quantities with options, such as {@code GradHist1d(bins=10,as=coarse),economy}. */
final class QuantityExpressions {

    private static final Set<String> COMMON = Set.of("as", "parameters", "per", "schedule");

    private static final String ECONOMY =
            "Loss,GradNorm,Distance,UpdateSize,Alpha,NormTest,InnerTest,OrthoTest,GradHist1d,ClassBalance,InputScale(schedule=linear(interval=100))";
    private static final String BUSINESS = ECONOMY + ",TICDiag,HessTrace,UpdateRatio,DeadUnits,Saturation";
    private static final String FULL = BUSINESS + ",HessMaxEV,GradHist2d";

    private final Catalog catalog;
    private final Schedule otherwise;

    /**
     * @param otherwise the schedule of quantities that name none
     */
    QuantityExpressions(Catalog catalog, Schedule otherwise) {
        this.catalog = catalog;
        this.otherwise = otherwise;
    }

    /**
     * Reads expressions, of which the words economy, business and full stand for what Cockpit's configurations of these
     * names hold, and for what alarms are of besides.
     *
     * @param needed quantities that are read too where nothing has their labels
     */
    List<TrackedQuantity> read(List<String> texts, Collection<String> needed) {
        Problems problems = new Problems();
        Map<String, TrackedQuantity> tracked = new LinkedHashMap<>();
        Set<String> named = new HashSet<>();
        for (String text : texts) {
            for (ExtensionExpression expression : ExtensionExpressions.parse(text)) {
                problems.collect(() -> add(expression, tracked, named));
            }
        }
        problems.throwIfAny();
        for (String type : needed) {
            TrackedQuantity own = read(new ExtensionExpression(type, Map.of()), true);
            tracked.putIfAbsent(own.label(), own);
        }
        return List.copyOf(tracked.values());
    }

    private void add(ExtensionExpression expression, Map<String, TrackedQuantity> tracked, Set<String> named) {
        String configuration = switch (expression.type()) {
            case "economy" -> ECONOMY;
            case "business" -> BUSINESS;
            case "full" -> FULL;
            default -> "";
        };
        if (configuration.isEmpty()) {
            TrackedQuantity own = read(expression, true);
            if (!named.add(own.label())) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "Two quantities have the label '%s'. Give one of them another with as=NAME."
                                .formatted(own.label()));
            }
            tracked.put(own.label(), own);
            return;
        }
        if (!expression.options().isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The configuration %s takes no options. Name its quantities to give them some."
                            .formatted(expression.type()));
        }
        for (ExtensionExpression each : ExtensionExpressions.parse(configuration)) {
            TrackedQuantity own = read(each, false);
            tracked.putIfAbsent(own.label(), own);
        }
    }

    private TrackedQuantity read(ExtensionExpression expression, boolean named) {
        String type = expression.type();
        QuantityProvider provider = catalog.service(QuantityProvider.class, type);
        Map<String, Object> own = new LinkedHashMap<>(expression.options());
        own.keySet().removeAll(COMMON);
        Map<String, Object> common = new LinkedHashMap<>(expression.options());
        common.keySet().retainAll(COMMON);
        Arguments options = new Arguments("quantity " + type, common);
        String label = options.has("as") ? String.valueOf(options.value("as")) : type;
        Arguments ownOptions = new Arguments("quantity " + type, own);
        Quantity quantity = provider.create(label, ownOptions, catalog);
        ownOptions.rejectUnknown();
        return new TrackedQuantity(
                label,
                quantity,
                schedule(options),
                patterns(options, type, quantity),
                per(options, type, quantity),
                named,
                expression.toString());
    }

    private Schedule schedule(Arguments options) {
        if (!options.has("schedule")) {
            return otherwise;
        }
        if (options.value("schedule") instanceof ExtensionExpression call) {
            return Schedule.of(call);
        }
        throw options.wrong("schedule", "a schedule such as linear(interval=3,offset=1)", options.value("schedule"));
    }

    private static List<String> patterns(Arguments options, String type, Quantity quantity) {
        if (!options.has("parameters")) {
            return List.of("*");
        }
        if (quantity instanceof NodeQuantity) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "%s is of the outputs of nodes, not of parameters: choose nodes with nodes=[PATTERN,...] instead of parameters."
                            .formatted(type));
        }
        List<String> patterns = new ArrayList<>();
        for (Object pattern : options.list("parameters")) {
            patterns.add(String.valueOf(pattern));
        }
        return patterns;
    }

    private static Per per(Arguments options, String type, Quantity quantity) {
        String otherwise = quantity.defaultPer().name().toLowerCase(Locale.ROOT);
        Per per = Per.valueOf(
                options.word("per", otherwise, "network", "layer", "parameter").toUpperCase(Locale.ROOT));
        if (per == Per.PARAMETER && quantity instanceof NodeQuantity) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "%s is of the outputs of nodes, which are no parameters: say per=layer or per=network."
                            .formatted(type));
        }
        if (per != quantity.defaultPer() && !quantity.isOfParameters()) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "%s is of the network as a whole: leave per=%s out."
                            .formatted(type, per.name().toLowerCase(Locale.ROOT)));
        }
        return per;
    }
}
