// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Mode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SendableTest {

    private record NotPlain(Object inside) {}

    private static Object sent(Object value) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(Sendable.of(value));
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return ((Sendable) in.readObject()).value(SendableTest.class.getClassLoader());
        }
    }

    @Test
    void requests_and_options_arrive_as_they_were() throws Exception {
        List<Request<?>> requests = List.of(
                Request.of(new KFAC(3)).as("factors").only("0.*"),
                Request.of(new BatchGrad(Optional.of(List.of(0, 2)))));
        assertThat(sent(requests)).isEqualTo(requests);
        SessionOptions options = new SessionOptions(
                PassOptions.DEFAULT.memory(1L << 33).mode(Mode.EVAL, "1", "2"),
                5,
                true,
                SampleIds.NONE,
                PerSample.DROP);
        assertThat(sent(options)).isEqualTo(options);
    }

    @Test
    void plain_values_and_collections_arrive_as_they_were() throws Exception {
        assertThat(sent(null)).isNull();
        assertThat(sent(OptionalInt.of(3))).isEqualTo(OptionalInt.of(3));
        assertThat(sent(Map.of("a", Set.of(1.5, 2.5)))).isEqualTo(Map.of("a", Set.of(1.5, 2.5)));
        assertThat(sent(Arrays.asList(1, null, "x"))).isEqualTo(Arrays.asList(1, null, "x"));
    }

    @Test
    void what_has_no_parts_is_refused_by_class() {
        assertThatThrownBy(() -> Sendable.of(new NotPlain(new Thread())))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[NotSendable]")
                .hasMessageContaining("java.lang.Thread");
    }

    @Test
    void a_class_that_is_not_there_is_named() {
        Sendable sendable = Sendable.of(new NotPlain(1));
        assertThatThrownBy(() -> sendable.value(ClassLoader.getPlatformClassLoader()))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[NotSendable]")
                .hasMessageContaining("NotPlain");
    }
}
