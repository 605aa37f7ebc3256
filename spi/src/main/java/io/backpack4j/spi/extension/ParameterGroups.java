// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.NamePatterns;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The option {@code groups} of extensions that take parameters together: {@code all}, {@code layer}, {@code parameter}
 * or lists of patterns.
 *
 * @param kind how they are made
 * @param patterns for every group patterns of the full names of its parameters, {@code *} standing for anything; of
 *     groups that are listed only
 */
public record ParameterGroups(Kind kind, List<List<String>> patterns) {

    /** All parameters in one group. */
    public static final ParameterGroups ALL = new ParameterGroups(Kind.ALL, List.of());

    /** A group per layer: all parameters whose names are the same up to the last dot. */
    public static final ParameterGroups LAYER = new ParameterGroups(Kind.LAYER, List.of());

    /** A group per parameter. */
    public static final ParameterGroups PARAMETER = new ParameterGroups(Kind.PARAMETER, List.of());

    /** How groups are made. */
    public enum Kind {
        /** There is one. */
        ALL,
        /** One per layer, in the order of the network. */
        LAYER,
        /** One per parameter, in the order of the network. */
        PARAMETER,
        /** Those that were listed, in that order. Other parameters are left out. */
        LISTED
    }

    /** Checks and copies. */
    public ParameterGroups {
        patterns = patterns.stream().map(List::copyOf).toList();
        if ((kind == Kind.LISTED) == patterns.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_GROUPS,
                    kind == Kind.LISTED
                            ? "No groups of parameters are listed. List one at least, or take all, layer or parameter."
                            : "Groups of the kind %s have no patterns, but have %s.".formatted(kind, patterns));
        }
    }

    /** Groups of parameters whose names match patterns. */
    public static ParameterGroups of(List<List<String>> patterns) {
        return new ParameterGroups(Kind.LISTED, patterns);
    }

    /** Reads the option; all parameters together if it is not given. */
    public static ParameterGroups of(Arguments options) {
        String name = "groups";
        if (!(options.value(name) instanceof List<?> listed)) {
            return switch (options.word(name, "all", "all", "layer", "parameter")) {
                case "layer" -> LAYER;
                case "parameter" -> PARAMETER;
                default -> ALL;
            };
        }
        List<List<String>> groups = new ArrayList<>();
        for (Object group : listed) {
            List<?> patterns = group instanceof List<?> several ? several : List.of(String.valueOf(group));
            groups.add(patterns.stream().map(String::valueOf).toList());
        }
        return of(groups);
    }

    /**
     * Names the group of a parameter; none if it is left out.
     *
     * @throws BackpackException if it is in two groups
     */
    public Optional<String> of(String parameter) {
        return switch (kind) {
            case ALL -> Optional.of("all");
            case LAYER -> Optional.of(layer(parameter));
            case PARAMETER -> Optional.of(parameter);
            case LISTED -> listed(parameter);
        };
    }

    private static String layer(String parameter) {
        int dot = parameter.lastIndexOf('.');
        return dot < 0 ? parameter : parameter.substring(0, dot);
    }

    private Optional<String> listed(String parameter) {
        List<Integer> own = new ArrayList<>();
        for (int group = 0; group < patterns.size(); group++) {
            if (patterns.get(group).stream().anyMatch(pattern -> NamePatterns.matches(pattern, parameter))) {
                own.add(group);
            }
        }
        if (own.size() > 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_GROUPS,
                    "Parameter '%s' is in the groups %s of %s, but may be in one only."
                            .formatted(parameter, own, patterns));
        }
        return own.stream().findFirst().map(String::valueOf);
    }

    /**
     * The parameters of every group, by the groups' names, in the order in which results count them.
     *
     * @param parameters all, in the order of the network
     * @throws BackpackException if a group has none, or a parameter is in two
     */
    public Map<String, List<String>> members(List<String> parameters) {
        Map<String, List<String>> members = new LinkedHashMap<>();
        for (int group = 0; group < patterns.size(); group++) {
            members.put(String.valueOf(group), new ArrayList<>());
        }
        for (String parameter : parameters) {
            of(parameter)
                    .ifPresent(group -> members.computeIfAbsent(group, absent -> new ArrayList<>())
                            .add(parameter));
        }
        members.forEach((group, own) -> {
            if (own.isEmpty()) {
                throw new BackpackException(
                        CommonProblems.INVALID_GROUPS,
                        "Group %s, %s, has no parameter. Parameters: %s."
                                .formatted(
                                        group, patterns.get(Integer.parseInt(group)), String.join(", ", parameters)));
            }
        });
        return members;
    }
}
