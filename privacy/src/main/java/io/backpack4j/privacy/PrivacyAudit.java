// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.backpack4j.privacy.accountant.Accountant;
import io.backpack4j.privacy.accountant.Mechanism;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The record of a private run: one JSON object per line, appended as steps happen, each with the digest (SHA-256) of
 * its own line and of all before it. The first of a run names δ and the accountant; the others a step with its noise
 * multiplier, sampling rate and bounds. Steps that were repeated after a resumption stand twice, and count twice.
 */
public final class PrivacyAudit {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DIGEST = "digest";

    private final Path file;
    private String last;

    private PrivacyAudit(Path file, String last) {
        this.file = file;
        this.last = last;
    }

    /** Starts or goes on. What is there already must be whole. */
    static PrivacyAudit open(Path file, PrivacyBudget budget) {
        String last = Files.exists(file) ? read(file).digest() : "";
        PrivacyAudit audit = new PrivacyAudit(file, last);
        ObjectNode line = JSON.createObjectNode();
        line.put("schema", "backpack4j-privacy").put("version", 1);
        line.put("delta", budget.delta()).put("accountant", budget.accountant().name());
        audit.append(line);
        return audit;
    }

    void add(long step, double noiseMultiplier, double samplingRate, double[] bounds) {
        ObjectNode line = JSON.createObjectNode();
        line.put("step", step).put("noise_multiplier", noiseMultiplier).put("sampling_rate", samplingRate);
        var array = line.putArray("max_norms");
        for (double bound : bounds) {
            array.add(bound);
        }
        append(line);
    }

    private void append(ObjectNode line) {
        last = digest(last, line);
        line.put(DIGEST, last);
        try {
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY, "The record '%s' cannot be written: %s".formatted(file, e), e);
        }
    }

    /**
     * Reads a record and checks it.
     *
     * @throws BackpackException if a line was changed, is missing or was added
     */
    public static Spent read(Path file) {
        List<Mechanism> history = new ArrayList<>();
        String last = "";
        double delta = Double.NaN;
        String accountant = "";
        long number = 0;
        try {
            for (String text : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                number++;
                if (!(JSON.readTree(text) instanceof ObjectNode line) || !line.has(DIGEST)) {
                    throw changed(file, number);
                }
                JsonNode digest = line.remove(DIGEST);
                last = digest(last, line);
                if (!last.equals(digest.asText())) {
                    throw changed(file, number);
                }
                if (line.has("step")) {
                    add(history, line);
                } else {
                    delta = line.path("delta").asDouble(Double.NaN);
                    accountant = line.path("accountant").asText();
                }
            }
        } catch (JsonProcessingException e) {
            throw changed(file, number);
        } catch (IOException e) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY, "The record '%s' cannot be read: %s".formatted(file, e), e);
        }
        return new Spent(history, delta, accountant, last);
    }

    private static void add(List<Mechanism> history, ObjectNode line) {
        double noise = line.path("noise_multiplier").asDouble();
        double rate = line.path("sampling_rate").asDouble();
        if (!history.isEmpty()) {
            Mechanism before = history.get(history.size() - 1);
            if (before.noiseMultiplier() == noise && before.samplingRate() == rate) {
                history.set(history.size() - 1, new Mechanism(noise, rate, before.steps() + 1));
                return;
            }
        }
        history.add(new Mechanism(noise, rate, 1));
    }

    private static BackpackException changed(Path file, long line) {
        return new BackpackException(
                PrivacyProblems.INVALID_PRIVACY,
                "The record '%s' is not as it was written: line %d does not fit those before it."
                        .formatted(file, line));
    }

    private static String digest(String before, ObjectNode line) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(before.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha.digest(line.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JVM has SHA-256.", e);
        }
    }

    /**
     * What a record says.
     *
     * @param history all steps
     * @param delta δ of the last run in it
     * @param accountant of the last run in it
     * @param digest of the last line: whoever keeps it notices if lines are cut off
     */
    public record Spent(List<Mechanism> history, double delta, String accountant, String digest) {

        /** Copies. */
        public Spent {
            history = List.copyOf(history);
        }

        /** What all steps have cost. */
        public double epsilon() {
            return Accountant.of(accountant).epsilon(history, delta);
        }
    }
}
