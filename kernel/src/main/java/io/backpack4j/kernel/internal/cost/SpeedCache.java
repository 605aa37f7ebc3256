// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.cost;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import java.util.EnumMap;
import java.util.Map;

/** Speeds of the backend of a library, measured once per type, when they are first needed. Safe for threads. */
public final class SpeedCache {

    private final Map<DType, MachineSpeeds> measured = new EnumMap<>(DType.class);

    /** Speeds with a type. */
    public synchronized MachineSpeeds of(Backend backend, DType dtype) {
        return measured.computeIfAbsent(dtype, absent -> new MachineSpeeds(backend, dtype));
    }
}
