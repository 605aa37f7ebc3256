// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * What a session's passes have to do, and what becomes of it.
 *
 * @param pass all requests
 * @param merged those whose results are merged
 * @param handedOver those whose results leave the session with every batch
 */
public record SessionLayouts(PassLayout pass, PassLayout merged, PassLayout handedOver) {

    /**
     * Divides requests.
     *
     * @param pass of all
     * @param layouts makes a layout of some of them
     * @param problems what does not fit already
     * @throws BackpackException with that and everything that does not merge or does not go with the options
     */
    public static SessionLayouts of(
            PassLayout pass,
            SessionOptions options,
            Function<List<Request<?>>, PassLayout> layouts,
            Problems problems) {
        Mergeability.report(pass, problems);
        PerSampleRequests.report(pass, options, problems);
        problems.throwIfAny();
        if (options.perSample() != PerSample.HAND_OVER) {
            return new SessionLayouts(pass, pass, pass);
        }
        Set<Request<?>> perSample = PerSampleRequests.of(pass);
        List<Request<?>> merged = pass.requests().stream()
                .filter(request -> !perSample.contains(request))
                .toList();
        return new SessionLayouts(pass, layouts.apply(merged), layouts.apply(List.copyOf(perSample)));
    }
}
