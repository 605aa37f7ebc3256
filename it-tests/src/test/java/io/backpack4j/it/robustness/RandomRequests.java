// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.it.seams.GhostClipping;
import io.backpack4j.it.seams.LateHessian;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Draws what a pass is asked for: all extensions, products and such with several stages among them. */
final class RandomRequests {

    private static final List<String> TYPES = List.of(
            "BatchGrad",
            "BatchL2Grad",
            "SumGradSquared",
            "Variance",
            "DiagGGNExact",
            "DiagGGNMC",
            "BatchDiagGGNExact",
            "BatchDiagGGNMC",
            "SqrtGGNExact",
            "SqrtGGNMC",
            "DiagHessian",
            "BatchDiagHessian",
            "KFAC",
            "KFLR",
            "KFRA",
            "GGNMP",
            "HMP",
            "PCHMP",
            "GhostClipping",
            "LateHessian");

    private RandomRequests() {}

    /** @param chain whether extensions that need a chain may be among them */
    static List<Request<?>> draw(BackPack backpack, Random random, int samples, boolean chain) {
        List<Request<?>> requests = new ArrayList<>();
        int count = random.nextInt(2) == 0 ? 1 : 1 + random.nextInt(3);
        while (requests.size() < count) {
            String type = TYPES.get(random.nextInt(TYPES.size()));
            if (chain || !type.equals("KFRA")) {
                requests.add(request(backpack, random, samples, type).as("r" + requests.size()));
            }
        }
        return requests;
    }

    private static Request<?> request(BackPack backpack, Random random, int samples, String type) {
        if (type.equals("GhostClipping")) {
            return Request.of(new GhostClipping(random.nextDouble()));
        } else if (type.equals("LateHessian")) {
            return Request.of(new LateHessian(1 + random.nextInt(3)));
        }
        Map<String, Object> options = new LinkedHashMap<>();
        if (type.endsWith("MC") || type.equals("KFAC")) {
            options.put("mc_samples", 1 + random.nextInt(12));
        }
        boolean subsamples = type.equals("BatchGrad") || type.startsWith("Sqrt");
        if (subsamples && random.nextInt(3) == 0) {
            options.put(
                    "subsampling",
                    random.ints(1 + random.nextInt(6), 0, samples).boxed().toList());
        }
        if (type.endsWith("DiagHessian")) {
            options.put("products", random.nextBoolean());
        }
        if (type.equals("PCHMP")) {
            options.put("modify", random.nextBoolean() ? "clip" : "abs");
        }
        return backpack.catalog().request(type, options);
    }
}
