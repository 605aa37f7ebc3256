// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.NanPolicy;
import picocli.CommandLine.Option;

/** What becomes of results that are not finite. */
public final class NanOption {

    @Option(
            names = "--nan",
            paramLabel = "POLICY",
            defaultValue = "fail",
            converter = NanPolicies.class,
            completionCandidates = NanPolicies.class,
            description =
                    "What to do with results that are not finite: fail (the default), naming where that begins, or ignore.")
    private NanPolicy policy;

    public NanPolicy policy() {
        return policy;
    }

    /** Whether a number that is not finite is a failure. */
    public boolean requiresFinite() {
        return policy != NanPolicy.IGNORE;
    }
}
