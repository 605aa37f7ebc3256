package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.internal.pass.PassInputs;
import io.backpack4j.kernel.internal.pass.Splitting;
import io.backpack4j.spi.backend.Backend;
import java.util.SortedMap;

/** What is planned, done without numbers. */
interface Rehearsal {

    /**
     * Does it.
     *
     * @param dry a backend whose tensors have no numbers
     * @return the results that come out
     */
    SortedMap<String, ResultType> run(Backend dry, PassInputs inputs, Splitting splitting);
}
