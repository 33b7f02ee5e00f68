# The image: one static binary as PID 1, Cassandra's jars, a Java 17. Nothing but public base images is needed:
#
#     docker build -t cassandra-init .
#
# Each part can come from elsewhere: BASE_IMAGE and its siblings name other base images, BINARY_FROM and LIB_FROM an
# image that holds a ready /cassandra-init or a ready /lib. PROFILE presets the image's profile; without it the
# name that the binary is called by decides (/run.sh, /docker-entrypoint.sh), else it is "native".
ARG RUST_IMAGE=rust:1-bookworm
ARG MAVEN_IMAGE=maven:3-eclipse-temurin-17
ARG BASE_IMAGE=debian:bookworm-slim
ARG BINARY_FROM=build-binary
ARG LIB_FROM=build-lib
ARG PROFILE=

FROM ${RUST_IMAGE} AS build-binary
WORKDIR /build
COPY . .
RUN target="$(uname -m)-unknown-linux-musl" \
 && rustup target add "$target" \
 && cargo build --release --locked --target "$target" \
 && cp "target/$target/release/cassandra-init" /cassandra-init

FROM ${MAVEN_IMAGE} AS build-lib
ARG CASSANDRA_VERSION=
COPY image/pom.xml /build/
RUN mvn --batch-mode --no-transfer-progress --file /build/pom.xml package -Dlib=/lib-cassandra \
      ${CASSANDRA_VERSION:+-Dcassandra.version="$CASSANDRA_VERSION"} \
 && mkdir -p /jars && mv /lib-cassandra /jars/lib

FROM ${BINARY_FROM} AS binary
FROM ${LIB_FROM} AS lib

FROM ${BASE_IMAGE} AS image
RUN groupadd --system --gid 999 cassandra \
 && useradd --system --uid 999 --gid cassandra --home-dir /var/lib/cassandra --no-create-home \
            --shell /usr/sbin/nologin cassandra \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
            openjdk-17-jre-headless libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

COPY --from=lib /jars/lib /opt/cassandra/lib
# The settings that every start begins from; the live ones are written over them.
COPY config-defaults/5.0 /etc/cassandra
COPY --from=binary /cassandra-init /usr/local/bin/cassandra-init

# The names under which the scripts and tools that it replaces are called. The settings are readable for all and
# writable for root: started as root, a broken-into database cannot steer the next start, and started as any other
# user (docker run --user) they are still found. The three folders below are open for that second case; as root,
# cassandra-init keeps the run folder for itself and gives the other two to the database's user.
RUN for name in /run.sh /docker-entrypoint.sh /ready-probe.sh /readiness-probe.sh /liveness-probe.sh /pre_stop.sh \
                /usr/local/bin/docker-entrypoint.sh /usr/local/bin/nodetool /usr/local/bin/cassandra; do \
      ln -s /usr/local/bin/cassandra-init "$name" || exit; \
    done \
 && ln -s /etc/cassandra /opt/cassandra/conf \
 && chown -R root:cassandra /etc/cassandra \
 && install -d -m 1777 /var/lib/cassandra /var/log/cassandra /run/cassandra-init \
 && chown cassandra:cassandra /var/lib/cassandra /var/log/cassandra

ENV CASSANDRA_HOME=/opt/cassandra \
    CASSANDRA_CONF=/etc/cassandra \
    LANG=C.UTF-8

# Between nodes, the same encrypted, JMX (loopback unless opened), clients.
EXPOSE 7000 7001 7199 9042
STOPSIGNAL SIGTERM
# No VOLUME: where the data lies is what the user mounts, and a forgotten anonymous volume is data lost.
ENTRYPOINT ["cassandra-init"]
CMD ["run"]

FROM image AS image-with-profile
ARG PROFILE
ENV CASSANDRA_INIT_PROFILE=${PROFILE}

FROM image${PROFILE:+-with-profile}
