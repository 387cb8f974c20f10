# Vesta with an external PostgreSQL: docker-compose.yml shows how to run it.
FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/vesta
COPY package.json package-lock.json .npmrc ./
COPY server/package.json server/package.json
COPY bench/package.json bench/package.json
COPY test/package.json test/package.json
COPY smart-apps/ehr/package.json smart-apps/ehr/package.json
COPY smart-apps/national/package.json smart-apps/national/package.json
COPY smart-apps/patient/package.json smart-apps/patient/package.json
COPY smart-apps/provider/package.json smart-apps/provider/package.json
COPY smart-apps/shared/package.json smart-apps/shared/package.json
# The image brings Node 24 and the database is elsewhere: no install script has anything to do.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY server server
COPY scripts scripts
COPY smart-apps smart-apps
# The apps are part of the image: a container serves them without building.
RUN node scripts/build-apps.ts
# Audit events that are on their way to the database, and mail, lie in the data directory.
RUN mkdir node_modules/.cache /var/lib/vesta && chown node node_modules/.cache /var/lib/vesta
USER node
# The compiled definitions are part of the image: a container starts without compiling, its files read-only or not.
RUN node server/src/cli/warm.ts
ENV HOST=0.0.0.0 PORT=8080 VESTA_DATA_DIR=/var/lib/vesta NODE_COMPILE_CACHE=/tmp/vesta-compiled
VOLUME /var/lib/vesta
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD node -e "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
CMD ["node", "server/src/cli/main.ts", "serve"]
