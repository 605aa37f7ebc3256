// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.SingleStepQuantity;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.Extension;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Finds out which quantities a network can give: by plans of their extensions. */
final class Availability {

    private final BackPack backpack;
    private final Model model;
    private final Batch batch;
    private final Function<TrackedQuantity, Set<Extension<?>>> extensions;

    Availability(BackPack backpack, Model model, Batch batch, Function<TrackedQuantity, Set<Extension<?>>> extensions) {
        this.backpack = backpack;
        this.model = model;
        this.batch = batch;
        this.extensions = extensions;
    }

    /**
     * The reasons why quantities cannot be had, by label.
     *
     * @throws BackpackException if one of them was asked for by name
     */
    Map<String, String> reasons(List<TrackedQuantity> tracked) {
        Set<Extension<?>> all = new LinkedHashSet<>();
        tracked.forEach(each -> all.addAll(extensions.apply(each)));
        boolean allFit = reason(all).isEmpty();
        Map<String, String> reasons = new LinkedHashMap<>();
        Problems problems = new Problems();
        for (TrackedQuantity each : tracked) {
            String reason = allFit ? "" : reason(extensions.apply(each));
            if (reason.isEmpty() && each.quantity() instanceof SingleStepQuantity quantity) {
                reason = failure(() -> quantity.check(backpack, model, batch));
            }
            if (!reason.isEmpty()) {
                reasons.put(each.label(), reason);
                if (each.named()) {
                    problems.add(
                            CockpitProblems.UNAVAILABLE_QUANTITY,
                            "Quantity %s cannot be had of this network: %s".formatted(each.label(), reason));
                }
            }
        }
        problems.throwIfAny();
        return reasons;
    }

    private String reason(Set<Extension<?>> wanted) {
        if (wanted.isEmpty()) {
            return "";
        }
        List<Request<?>> requests = new ArrayList<>();
        for (Extension<?> extension : wanted) {
            requests.add(Request.of(extension).as("cockpit." + requests.size()));
        }
        return failure(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT.nan(NanPolicy.IGNORE)));
    }

    private static String failure(Runnable action) {
        try {
            action.run();
            return "";
        } catch (BackpackException e) {
            return e.problems().get(0).toString();
        }
    }
}
