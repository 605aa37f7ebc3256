// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyMap;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.doThrow;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.extension.Extension;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RequestsTest {

    private final Catalog catalog = mock(Catalog.class);

    @BeforeEach
    void provide() {
        doAnswer(call -> {
                    Extension<?> extension = mock(Extension.class);
                    when(extension.resultName()).thenReturn("result");
                    Map<String, ?> options = call.getArgument(1);
                    Request<?> request = Request.of(extension);
                    return options.containsKey("parameters") ? request.only("own") : request;
                })
                .when(catalog)
                .request(any(), anyMap());
    }

    @Test
    void patterns_hold_for_extensions_without_their_own() {
        List<Request<?>> requests =
                Requests.of(catalog, Requests.parse("A, B(parameters=[own])"), List.of("0.*", "1.*"));
        assertThat(requests.get(0).parameters()).containsExactly("0.*", "1.*");
        assertThat(requests.get(1).parameters()).containsExactly("own");
    }

    @Test
    void all_parameters_are_meant_if_nothing_is_said() {
        assertThat(Requests.of(catalog, Requests.parse("A"), List.of()).get(0).parameters())
                .containsExactly("*");
        assertThat(Requests.of(catalog, Requests.parse(" "), List.of())).isEmpty();
    }

    @Test
    void problems_are_reported_together() {
        for (String type : List.of("A", "C")) {
            doThrow(new BackpackException(new ProblemId("Unknown" + type, "A test.", "None."), "x"))
                    .when(catalog)
                    .request(eq(type), anyMap());
        }
        assertThatThrownBy(() -> Requests.of(catalog, Requests.parse("A,B,C"), List.of()))
                .hasMessageContainingAll("[UnknownA]", "[UnknownC]", "2 problems.");
    }
}
