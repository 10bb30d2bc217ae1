import { Body, Controller, Delete, Get, HttpCode, Post, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { IdempotencyKey, markReplayed, type Idempotency } from '../http/idempotency';
import { PathId } from '../http/path';
import {
  CreateWebhookEndpoint,
  deliveryDto,
  endpointDto,
  OwedDelivery,
  WebhookDeliveryList,
  WebhookEndpointList,
  WebhookEndpointWithSecret,
  withSecret,
} from './webhook.dto';
import { WebhooksService } from './webhooks.service';
import { ApiErrors } from '../openapi/api-errors';
import { idempotencyKey } from '../openapi/headers';

const EndpointId = () => PathId('id', 'webhook_endpoint_not_found', 'webhook endpoint');
const DeliveryId = () => PathId('deliveryId', 'webhook_delivery_not_found', 'webhook delivery');

@ApiTags('webhooks')
@Controller('v1/webhook-endpoints')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @ApiOperation({
    summary: 'Be told of every job that ends',
    description:
      'Each gets {"type", "timestamp", "data": {"id", "status"}} with the headers of Standard Webhooks, at least once. ' +
      'Answer 2xx within 15 seconds; 410 disables the endpoint, anything else is tried again for about three days.',
  })
  @ApiHeader(idempotencyKey('Makes a repetition harmless.'))
  @ApiCreatedResponse({ type: WebhookEndpointWithSecret })
  @ApiErrors('too_many_webhook_endpoints', 'idempotency_conflict')
  @Post()
  @HttpCode(201)
  async createWebhookEndpoint(
    @Body() body: CreateWebhookEndpoint,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointWithSecret> {
    const { endpoint, replayed } = await this.webhooks.create(body.url, idempotency);
    markReplayed(reply, replayed);
    return withSecret(endpoint);
  }

  @ApiOperation({ summary: 'List the endpoints, oldest first' })
  @ApiOkResponse({ type: WebhookEndpointList })
  @Get()
  async listWebhookEndpoints(): Promise<WebhookEndpointList> {
    return { data: (await this.webhooks.list()).map(endpointDto) };
  }

  @ApiOperation({ summary: 'Delete an endpoint, with what it is still owed' })
  @ApiNoContentResponse()
  @ApiErrors('webhook_endpoint_not_found')
  @Delete(':id')
  @HttpCode(204)
  deleteWebhookEndpoint(@EndpointId() id: string): Promise<void> {
    return this.webhooks.remove(id);
  }

  @ApiOperation({
    summary: 'Give an endpoint a new secret',
    description: 'For a day the old one signs, too: webhook-signature then holds two signatures.',
  })
  @ApiOkResponse({ type: WebhookEndpointWithSecret })
  @ApiErrors('webhook_endpoint_not_found')
  @Post(':id/rotate-secret')
  @HttpCode(200)
  async rotateWebhookSecret(@EndpointId() id: string): Promise<WebhookEndpointWithSecret> {
    return withSecret(await this.webhooks.rotateSecret(id));
  }

  @ApiOperation({ summary: 'Send a message of type ping', description: 'Its data is empty.' })
  @ApiAcceptedResponse({ type: OwedDelivery })
  @ApiErrors('webhook_endpoint_not_found', 'too_many_webhook_calls')
  @Post(':id/ping')
  @HttpCode(202)
  async pingWebhookEndpoint(@EndpointId() id: string): Promise<OwedDelivery> {
    return { delivery_id: await this.webhooks.ping(id) };
  }

  @ApiOperation({ summary: 'List what an endpoint was sent and what it answered, newest first' })
  @ApiOkResponse({ type: WebhookDeliveryList })
  @ApiErrors('webhook_endpoint_not_found')
  @Get(':id/deliveries')
  async listWebhookDeliveries(@EndpointId() id: string): Promise<WebhookDeliveryList> {
    return { data: (await this.webhooks.deliveries(id)).map(deliveryDto) };
  }

  @ApiOperation({
    summary: 'Send a delivery again',
    description: 'With the same webhook-id, whatever became of it before.',
  })
  @ApiAcceptedResponse({ type: OwedDelivery })
  @ApiErrors('webhook_endpoint_not_found', 'webhook_delivery_not_found', 'too_many_webhook_calls')
  @Post(':id/deliveries/:deliveryId/redeliver')
  @HttpCode(202)
  async redeliverWebhook(@EndpointId() id: string, @DeliveryId() deliveryId: string): Promise<OwedDelivery> {
    await this.webhooks.redeliver(id, deliveryId);
    return { delivery_id: deliveryId };
  }
}
