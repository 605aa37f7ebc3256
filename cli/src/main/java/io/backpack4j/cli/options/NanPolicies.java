// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.NanPolicy;
import java.util.List;

/** Reads what to do with results that are not finite. */
final class NanPolicies extends Choice<NanPolicy> {

    NanPolicies() {
        super(List.of(NanPolicy.FAIL, NanPolicy.IGNORE));
    }
}
